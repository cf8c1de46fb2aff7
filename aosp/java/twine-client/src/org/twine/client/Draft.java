package org.twine.client;

import android.annotation.NonNull;
import java.util.Objects;
import java.util.UUID;
import org.twine.SendRequest;

/**
 * A message to be sent. Its token makes it one message however often it is sent: keep it with the
 * draft, durably, before the first try.
 */
public final class Draft {
    /** The user's choice for this one message. The order is that of ITwine.CHANNEL_. */
    public enum Channel {
        /** Twine chooses. */
        AUTO,
        IP,
        SMS
    }

    private final String from;
    private final String to;
    private final String text;
    private final String token;
    private final Channel channel;
    private final int validForSeconds;

    private Draft(
            String from,
            String to,
            String text,
            String token,
            Channel channel,
            int validForSeconds) {
        this.from = Objects.requireNonNull(from);
        this.to = Objects.requireNonNull(to);
        this.text = Objects.requireNonNull(text);
        this.token = Objects.requireNonNull(token);
        this.channel = Objects.requireNonNull(channel);
        this.validForSeconds = validForSeconds;
    }

    /** To a number, short code or name, from the default number, with a token of its own. */
    public Draft(@NonNull String to, @NonNull String text) {
        this("", to, text, UUID.randomUUID().toString(), Channel.AUTO, 0);
    }

    /** From this own number. */
    public @NonNull Draft from(@NonNull String own) {
        return new Draft(own, to, text, token, channel, validForSeconds);
    }

    /** With this token: of a draft that was kept. */
    public @NonNull Draft token(@NonNull String kept) {
        return new Draft(from, to, text, kept, channel, validForSeconds);
    }

    /** By this channel. */
    public @NonNull Draft channel(@NonNull Channel chosen) {
        return new Draft(from, to, text, token, chosen, validForSeconds);
    }

    /** Given up when not delivered within this time; 0, the default: never. */
    public @NonNull Draft validFor(int seconds) {
        return new Draft(from, to, text, token, channel, seconds);
    }

    /** To be kept with the draft. */
    public @NonNull String token() {
        return token;
    }

    @NonNull
    SendRequest request() {
        SendRequest request = new SendRequest();
        request.from = from;
        request.to = to;
        request.text = text;
        request.token = token;
        request.channel = channel.ordinal();
        request.validForSeconds = validForSeconds;
        return request;
    }
}

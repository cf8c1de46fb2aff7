package org.twine.sample;

import android.app.Application;
import android.content.Context;
import java.util.ArrayList;
import java.util.List;
import org.twine.client.Message;
import org.twine.client.TwineClient;
import org.twine.client.TwineEvent;

/** One client for the process. A real app keeps the messages in its own database. */
public class SampleApplication extends Application implements TwineClient.Listener {
    final List<Message> messages = new ArrayList<>();
    TwineClient twine;
    Runnable changed = () -> {};

    static SampleApplication of(Context context) {
        return (SampleApplication) context.getApplicationContext();
    }

    @Override
    public void onCreate() {
        super.onCreate();
        twine = new TwineClient(this, getMainExecutor(), this);
        twine.connect();
    }

    @Override
    public void onEvent(TwineEvent event) {
        if (event.kind == TwineEvent.Kind.RESYNC) {
            // Events were missed for longer than they are kept.
            messages.clear();
            twine.conversations(0).thenAccept(last -> last.messages.forEach(this::readAll));
        } else if (event.message != null) {
            put(event.message);
        }
    }

    private void readAll(Message last) {
        twine.history(last.own, last.peer, null)
                .thenAcceptAsync(page -> page.messages.forEach(this::put), getMainExecutor());
    }

    /** The newest state of a message replaces the one before; a copy is not shown. */
    private void put(Message message) {
        messages.removeIf(old -> old.id == message.id);
        if (!message.isCopy) {
            messages.add(message);
        }
        messages.sort(Message.ORDER);
        changed.run();
    }
}

package org.twine.client;

import android.annotation.NonNull;
import android.annotation.Nullable;
import java.util.ArrayList;
import java.util.List;
import org.twine.MessageInfo;
import org.twine.MessagePage;

/** Part of a list of messages. */
public final class Page {
    /** In the order of the list. */
    public final @NonNull List<Message> messages;

    /** There are further ones behind these. */
    public final boolean more;

    Page(@NonNull MessagePage page) {
        List<Message> list = new ArrayList<>();
        for (MessageInfo info : page.messages) {
            list.add(new Message(info));
        }
        messages = List.copyOf(list);
        more = page.more;
    }

    /** For {@link TwineClient#history}: what is behind this page; null: nothing. */
    public @Nullable Message.Position next() {
        return more && !messages.isEmpty() ? messages.get(messages.size() - 1).position : null;
    }
}

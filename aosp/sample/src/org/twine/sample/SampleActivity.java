package org.twine.sample;

import android.app.Activity;
import android.os.Bundle;
import android.text.Editable;
import android.text.TextWatcher;
import android.widget.Button;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.TextView;
import org.twine.client.Draft;
import org.twine.client.Message;
import org.twine.client.Preview;
import org.twine.client.TwineFailure;

/** Writes and shows messages, and what each would cost. */
public class SampleActivity extends Activity implements TextWatcher {
    private EditText to;
    private EditText text;
    private TextView preview;
    private TextView conversation;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        LinearLayout column = new LinearLayout(this);
        column.setOrientation(LinearLayout.VERTICAL);
        to = new EditText(this);
        to.setHint("+254…");
        text = new EditText(this);
        text.addTextChangedListener(this);
        preview = new TextView(this);
        conversation = new TextView(this);
        Button send = new Button(this);
        send.setText("Send");
        send.setOnClickListener(view -> send());
        column.addView(to);
        column.addView(text);
        column.addView(preview);
        column.addView(send);
        column.addView(conversation);
        setContentView(column);
        if (getIntent().getData() != null) {
            to.setText(getIntent().getData().getSchemeSpecificPart());
        }
        SampleApplication.of(this).changed = this::show;
        show();
    }

    private Draft draft() {
        return new Draft(to.getText().toString(), text.getText().toString());
    }

    private void send() {
        // A real app writes the draft with its token to its database here.
        trySend(draft());
        text.setText("");
    }

    private void trySend(Draft draft) {
        SampleApplication.of(this).twine
                .send(draft)
                .whenComplete(
                        (id, failure) -> {
                            if (failure instanceof TwineFailure
                                    && ((TwineFailure) failure).isPassing()) {
                                // The same token: it stays one message.
                                text.postDelayed(() -> trySend(draft), 2000);
                            } else if (failure != null) {
                                runOnUiThread(() -> preview.setText(failure.getMessage()));
                            }
                        });
    }

    @Override
    public void afterTextChanged(Editable changed) {
        SampleApplication.of(this).twine
                .preview(draft())
                .thenAccept(now -> runOnUiThread(() -> show(now)));
    }

    private void show(Preview now) {
        String how = now.byIp ? "IP" : now.bySms ? now.segments + " SMS" : "waits";
        preview.setText(how + ": " + String.join("; ", now.reasons));
    }

    private void show() {
        StringBuilder all = new StringBuilder();
        for (Message message : SampleApplication.of(this).messages) {
            all.append(message.outgoing ? "→ " : "← ").append(message.text);
            all.append(" (").append(message.state).append(")\n");
        }
        conversation.setText(all);
    }

    @Override
    public void beforeTextChanged(CharSequence s, int start, int count, int after) {}

    @Override
    public void onTextChanged(CharSequence s, int start, int before, int count) {}
}

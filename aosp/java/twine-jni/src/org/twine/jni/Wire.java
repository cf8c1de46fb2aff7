package org.twine.jni;

/** The control socket, as {@link TwineConnection} documents it. */
public interface Wire extends AutoCloseable {
    /** Sends a {@code Request} and waits for its {@code Reply}. */
    byte[] request(byte[] request, int timeoutMillis) throws TwineException;

    /** Sends a {@code Report}. */
    void report(byte[] report) throws TwineException;

    /** Sends an {@code OrderResult}. */
    void orderResult(byte[] result) throws TwineException;

    /** Waits for the next notice; null: none in time. */
    Notice next(int timeoutMillis) throws TwineException;

    @Override
    void close();
}

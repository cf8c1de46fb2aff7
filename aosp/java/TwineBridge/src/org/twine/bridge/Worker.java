package org.twine.bridge;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * One thread that does one task after the other, with a bounded queue. Whoever cannot wait asks with
 * {@link #tryExecute} and has an answer for "no"; whoever can, waits for room. No task is dropped
 * but by {@link #close}.
 */
public final class Worker implements Executor, AutoCloseable {
    /** Tasks that wait, of each worker. */
    public static final int MAX_TASKS = 128;

    private static final Runnable END = () -> {};

    private final ArrayBlockingQueue<Runnable> tasks = new ArrayBlockingQueue<>(MAX_TASKS);
    private final Thread thread;
    private volatile boolean closed;

    /** Begins at once. */
    public Worker(String name) {
        thread = new Thread(this::run, name);
        thread.start();
    }

    /** Waits while there is no room. After {@link #close} it does nothing. */
    @Override
    public void execute(Runnable task) {
        if (Thread.currentThread() == thread) {
            if (!tasks.offer(task)) {
                // It would wait for itself.
                task.run();
            }
            return;
        }
        try {
            while (!closed && !tasks.offer(task, 1, TimeUnit.SECONDS)) {}
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** False: there is no room, or it is closed. */
    public boolean tryExecute(Runnable task) {
        return !closed && tasks.offer(task);
    }

    /** How many wait. */
    public int size() {
        return tasks.size();
    }

    /** Ends after the task in progress; what waits is dropped. */
    @Override
    public void close() {
        closed = true;
        tasks.clear();
        if (tasks.offer(END) && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        try {
            while (!closed) {
                tasks.take().run();
            }
        } catch (InterruptedException e) {
            // Nobody does that.
            closed = true;
        }
    }
}

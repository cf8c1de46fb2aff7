package org.twine.bridge.durable;

import java.io.IOException;
import java.nio.file.Path;

/** The real disk, on which the process dies at a chosen step. */
public final class CrashingDisk extends Disk {
    /** The process is dead: nothing of it goes on. */
    public static final class Crash extends Error {
        private static final long serialVersionUID = 1;
    }

    private int stepsLeft;

    /** Dies at this step, counted from 0. */
    public CrashingDisk(Path folder, int atStep) throws IOException {
        super(folder);
        stepsLeft = atStep;
    }

    @Override
    protected void reached() {
        if (stepsLeft-- == 0) {
            throw new Crash();
        }
    }
}

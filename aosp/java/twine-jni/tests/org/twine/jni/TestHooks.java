package org.twine.jni;

/** Native methods that only the library of the tests has (cargo feature test-hooks). */
final class TestHooks {
    /** Panics inside the boundary that every native method has. */
    static native void panic() throws TwineException;

    /** Throws CLOSED, and then breaks a rule of JNI. */
    static native void misuse() throws TwineException;

    /** What the library has allocated and not freed. */
    static native long allocatedBytes();

    private TestHooks() {}
}

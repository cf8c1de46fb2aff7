package org.twine.jni;

import static org.junit.Assert.assertThrows;

import org.junit.Test;

/**
 * Breaks a rule of JNI where the virtual machine checks them. Passes; tools/check-java looks whether
 * the virtual machine has said so where it looks for such words after all other tests.
 */
public class MisuseTest {
    @Test
    public void aRuleIsBroken() throws Exception {
        // The library is loaded with the connection's class.
        new TwineConnection("/nowhere", "test").close();
        assertThrows(TwineException.class, TestHooks::misuse);
    }
}

/* To link against, never to run: the platform's libandroid_net has the code.
 * Declared in <android/multinetwork.h>. */
int android_setsocknetwork(void) { return -1; }
int android_getaddrinfofornetwork(void) { return -1; }

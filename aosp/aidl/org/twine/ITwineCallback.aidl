package org.twine;

import org.twine.EventInfo;

/**
 * What the bridge tells the messaging app. All oneway: called from a Binder thread of the app, in
 * order, one at a time for each callback. An implementation should return quickly; a slow one delays
 * only itself, because no more than ITwine.MAX_UNACKNOWLEDGED_EVENTS are under way.
 */
interface ITwineCallback {
    /**
     * The daemon is there, or is not. Told after registration and at each change. When it is back
     * unacknowledged events are told again.
     */
    oneway void onAvailable(boolean available);

    /** Events in the order of their cursors. */
    oneway void onEvents(in EventInfo[] events);
}

package org.twine;

/**
 * Where a message belongs in its conversation. Sort by all fields in this order. The same at every
 * read, unless EVENT_REORDERED says otherwise.
 */
parcelable HistoryPosition {
    long position;
    int epoch;
    long laneSeq;
}

package org.twine;

import org.twine.MessageInfo;

/** Part of a list. */
parcelable MessagePage {
    MessageInfo[] messages;
    /** There are further ones behind these. */
    boolean more;
}

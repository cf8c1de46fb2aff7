///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable SendResult {
  long messageId;
  boolean repeated;
}

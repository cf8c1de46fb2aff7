///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable EventInfo {
  long cursor;
  int kind;
  @nullable org.twine.MessageInfo message;
  int state;
  long otherMessageId;
  String own;
  String peer;
  boolean typing;
  String detail;
}

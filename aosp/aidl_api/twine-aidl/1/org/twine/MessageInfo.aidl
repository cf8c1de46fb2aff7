///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable MessageInfo {
  long messageId;
  boolean outgoing;
  String own;
  String peer;
  String text;
  int state;
  org.twine.HistoryPosition position;
  long createdMillis;
  long changedMillis;
  String failure;
  String waitsFor;
  int channel;
  int smsParts;
  int smsPartsSent;
  int smsPartsDelivered;
  String iccid;
  long copyOf;
  boolean late;
}

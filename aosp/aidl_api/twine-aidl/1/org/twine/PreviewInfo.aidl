///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable PreviewInfo {
  int channel;
  String[] reasons;
  String waitsFor;
  String peerOnIp;
  String from;
  int segments;
  int unitsLeft;
  String encoding;
  int simSlot;
  String iccid;
  boolean roaming;
}

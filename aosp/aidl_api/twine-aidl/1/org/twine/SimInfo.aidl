///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable SimInfo {
  int slot;
  String iccid;
  String number;
  String operator;
  boolean ready;
  boolean inService;
  boolean roaming;
  boolean defaultForSms;
}

///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
parcelable StatusInfo {
  String daemonVersion;
  org.twine.IdentityInfo[] identities;
  org.twine.SimInfo[] sims;
  String session;
  String sessionReason;
  long queued;
  long inFlight;
  long undelivered;
  boolean smsPossible;
  boolean storageHealthy;
}

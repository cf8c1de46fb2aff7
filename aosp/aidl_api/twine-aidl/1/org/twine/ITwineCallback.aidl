///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
interface ITwineCallback {
  oneway void onAvailable(boolean available);
  oneway void onEvents(in org.twine.EventInfo[] events);
}

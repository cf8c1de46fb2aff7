///////////////////////////////////////////////////////////////////////////////
// THIS FILE IS IMMUTABLE. DO NOT EDIT IN ANY CASE.                          //
///////////////////////////////////////////////////////////////////////////////
// A snapshot of the file of the same name in aidl/, made by tools/aidl-snapshot.

package org.twine;
interface ITwine {
  const int ERROR_INVALID_ARGUMENT = 1;
  const int ERROR_PERMISSION_DENIED = 2;
  const int ERROR_NOT_FOUND = 3;
  const int ERROR_BUSY = 4;
  const int ERROR_FAILED_PRECONDITION = 5;
  const int ERROR_UNSUPPORTED = 6;
  const int ERROR_STORAGE = 7;
  const int ERROR_INTERNAL = 8;
  const int ERROR_NOT_CONNECTED = 100;
  const int ERROR_RESULT_UNKNOWN = 101;
  const int CHANNEL_AUTO = 0;
  const int CHANNEL_IP = 1;
  const int CHANNEL_SMS = 2;
  const int STATE_QUEUED = 1;
  const int STATE_SENDING = 2;
  const int STATE_SENT = 3;
  const int STATE_DELIVERED = 4;
  const int STATE_READ = 5;
  const int STATE_FAILED = 6;
  const int STATE_CANCELLED = 7;
  const int STATE_RECEIVED = 8;
  const int STATE_UNREADABLE = 9;
  const int STATE_CONFLICTING = 10;
  const int EVENT_MESSAGE_RECEIVED = 1;
  const int EVENT_MESSAGE_STATE_CHANGED = 2;
  const int EVENT_RESYNC = 3;
  const int EVENT_PEER_TYPING = 4;
  const int EVENT_IDENTITY_CHANGED = 5;
  const int EVENT_MERGED = 6;
  const int EVENT_UNMERGED = 7;
  const int EVENT_REORDERED = 8;
  const int MODE_DEFAULT = 0;
  const int MODE_AUTO = 1;
  const int MODE_IP_ONLY = 2;
  const int MODE_SMS_ONLY = 3;
  const int FALLBACK_DEFAULT = 0;
  const int FALLBACK_ALWAYS = 1;
  const int FALLBACK_NOT_WHEN_ROAMING = 2;
  const int FALLBACK_ASK = 3;
  const int FALLBACK_NEVER = 4;
  const int MAX_TEXT_BYTES = 81920;
  const int MAX_TOKEN_BYTES = 64;
  const int MAX_PAGE = 200;
  const int MAX_NUMBERS = 64;
  const int MAX_UNACKNOWLEDGED_EVENTS = 64;
  org.twine.SendResult send(in org.twine.SendRequest request);
  org.twine.PreviewInfo preview(in org.twine.SendRequest request);
  void cancel(long messageId);
  void retry(long messageId, int channel);
  org.twine.MessageInfo getMessage(long messageId);
  org.twine.MessagePage getHistory(String own, String peer, in @nullable org.twine.HistoryPosition before, int limit);
  org.twine.MessagePage getConversations(int offset, int limit);
  void registerCallback(in org.twine.ITwineCallback callback);
  void unregisterCallback(in org.twine.ITwineCallback callback);
  void acknowledgeEvents(long cursor);
  org.twine.Capability[] getCapabilities(in String[] numbers);
  void markRead(long messageId);
  void setTyping(String own, String peer, boolean typing);
  org.twine.SettingsInfo getSettings(String own, String peer);
  void setSettings(String own, String peer, int mode, int fallback, String iccid);
  void registerNumber(String number, String iccid, boolean consent);
  org.twine.StatusInfo getStatus();
  void deliverIncomingSms(in org.twine.IncomingSms sms);
}

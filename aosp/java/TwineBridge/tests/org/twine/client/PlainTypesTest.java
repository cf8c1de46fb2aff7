package org.twine.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.MessageInfo;
import org.twine.PreviewInfo;

/** What the interface tells, in the client's own types. */
public class PlainTypesTest {
    private static MessageInfo info() {
        MessageInfo info = new MessageInfo();
        info.messageId = 7;
        info.own = "+254712000001";
        info.peer = "MPESA";
        info.text = "habari";
        info.state = ITwine.STATE_SENDING;
        info.position = new HistoryPosition();
        return info;
    }

    @Test
    public void aMessageBySmsTellsHowFarItsPartsAre() {
        MessageInfo info = info();
        info.outgoing = true;
        info.channel = ITwine.CHANNEL_SMS;
        info.changedMillis = 1_700L;
        info.smsParts = 3;
        info.smsPartsSent = 2;
        info.smsPartsDelivered = 1;
        info.iccid = "89254";
        info.waitsFor = "home";
        Message message = new Message(info);
        assertTrue(message.bySms);
        assertEquals(1_700L, message.changedMillis);
        assertEquals(3, message.smsParts);
        assertEquals(2, message.smsPartsSent);
        assertEquals(1, message.smsPartsDelivered);
        assertEquals("89254", message.iccid);
        assertEquals("home", message.waitsFor);
        assertFalse(message.waitsForUser);
    }

    @Test
    public void whatIsEmptyIsNotThere() {
        MessageInfo info = info();
        info.iccid = "";
        info.waitsFor = "";
        Message message = new Message(info);
        assertNull(message.iccid);
        assertNull(message.waitsFor);
        assertNull(message.failure);
        assertFalse(message.isCopy);
        assertFalse(message.late);
    }

    @Test
    public void aCopyNamesItsOriginal() {
        MessageInfo info = info();
        info.copyOf = 5;
        info.late = true;
        info.waitsFor = "user";
        Message message = new Message(info);
        assertTrue(message.isCopy);
        assertEquals(5, message.copyOf);
        assertTrue(message.late);
        assertTrue(message.waitsForUser);
    }

    @Test
    public void aPreviewTellsByWhatAndFromWhere() {
        PreviewInfo info = new PreviewInfo();
        info.channel = ITwine.CHANNEL_SMS;
        info.from = "+254712000001";
        info.peerOnIp = "no";
        info.encoding = "gsm7";
        info.iccid = "89254";
        Preview preview = new Preview(info);
        assertEquals("+254712000001", preview.from);
        assertEquals("no", preview.peerOnIp);
        assertEquals("gsm7", preview.encoding);
        assertEquals("89254", preview.iccid);
        assertEquals("", preview.waitsFor);
    }
}

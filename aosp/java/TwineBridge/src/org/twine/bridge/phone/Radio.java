package org.twine.bridge.phone;

import android.telephony.TelephonyManager;
import org.twine.control.v1.DataState;
import org.twine.control.v1.Generation;

/** The platform's names of radio technologies and states, in the daemon's words. */
final class Radio {
    private Radio() {}

    /** The generation of a NETWORK_TYPE. */
    static Generation generation(int networkType) {
        switch (networkType) {
            case TelephonyManager.NETWORK_TYPE_GPRS:
            case TelephonyManager.NETWORK_TYPE_GSM:
            case TelephonyManager.NETWORK_TYPE_CDMA:
            case TelephonyManager.NETWORK_TYPE_1xRTT:
                return Generation.G2;
            case TelephonyManager.NETWORK_TYPE_EDGE:
                return Generation.G2_5;
            case TelephonyManager.NETWORK_TYPE_UMTS:
            case TelephonyManager.NETWORK_TYPE_HSDPA:
            case TelephonyManager.NETWORK_TYPE_HSUPA:
            case TelephonyManager.NETWORK_TYPE_HSPA:
            case TelephonyManager.NETWORK_TYPE_HSPAP:
            case TelephonyManager.NETWORK_TYPE_TD_SCDMA:
            case TelephonyManager.NETWORK_TYPE_EVDO_0:
            case TelephonyManager.NETWORK_TYPE_EVDO_A:
            case TelephonyManager.NETWORK_TYPE_EVDO_B:
            case TelephonyManager.NETWORK_TYPE_EHRPD:
                return Generation.G3;
            case TelephonyManager.NETWORK_TYPE_LTE:
            case TelephonyManager.NETWORK_TYPE_LTE_CA:
            case TelephonyManager.NETWORK_TYPE_IWLAN:
                return Generation.G4;
            case TelephonyManager.NETWORK_TYPE_NR:
                return Generation.G5;
            default:
                return Generation.GENERATION_UNKNOWN;
        }
    }

    /** The state of a data connection, of TelephonyManager.DATA_. */
    static DataState dataState(int state) {
        switch (state) {
            case TelephonyManager.DATA_DISCONNECTED:
                return DataState.DATA_DISCONNECTED;
            case TelephonyManager.DATA_CONNECTING:
                return DataState.DATA_CONNECTING;
            case TelephonyManager.DATA_CONNECTED:
            case TelephonyManager.DATA_HANDOVER_IN_PROGRESS:
                return DataState.DATA_CONNECTED;
            case TelephonyManager.DATA_SUSPENDED:
                return DataState.DATA_SUSPENDED;
            case TelephonyManager.DATA_DISCONNECTING:
                return DataState.DATA_DISCONNECTING;
            default:
                return DataState.DATA_STATE_UNKNOWN;
        }
    }
}

package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.net.ConnectivityManager;
import android.net.NetworkCapabilities;
import android.os.Looper;
import android.provider.Settings;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowConnectivityManager;
import org.robolectric.shadows.ShadowNetwork;
import org.robolectric.shadows.ShadowNetworkCapabilities;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.LookAgain;
import org.twine.control.v1.Order;
import org.twine.control.v1.TelephonyState;
import org.twine.control.v1.Vpn;

/** What the agent tells of the networks. */
public class NetworksTest extends AgentFixture {
    @Test
    public void theNetworksAreToldWithTheirHandles() throws Exception {
        daemon.connect();
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        android.net.Network wifi = ShadowNetwork.newInstance(77);
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        Shadows.shadowOf(able).addTransportType(NetworkCapabilities.TRANSPORT_WIFI);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_VALIDATED);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING);
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(wifi, able);
        }
        Link link = stateWhere(state -> state.getLinksCount() == 1).getLinks(0);
        assertEquals(LinkKind.WIFI, link.getKind());
        assertTrue(link.getValidated());
        assertFalse(link.getMetered());
        assertFalse(link.getRoaming());
        assertEquals(wifi.getNetworkHandle(), link.getNetworkHandle());
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onLost(wifi);
        }
        assertNotNull(stateWhere(state -> state.getLinksCount() == 0));
    }

    private void tellNetwork(int id, int... transports) {
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        for (int transport : transports) {
            Shadows.shadowOf(able).addTransportType(transport);
        }
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(ShadowNetwork.newInstance(id), able);
        }
    }

    @Test
    public void thePlatformIsAskedToLookAtALinkAgain() throws Exception {
        daemon.connect();
        tellNetwork(77, NetworkCapabilities.TRANSPORT_WIFI);
        Link link = stateWhere(state -> state.getLinksCount() == 1).getLinks(0);
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        // One that went is none to look at.
        for (String doubted : new String[] {"net1", link.getId()}) {
            give(Order.newBuilder().setLookAgain(LookAgain.newBuilder().setLink(doubted)));
        }
        android.net.Network wifi = ShadowNetwork.newInstance(77);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (networks.getReportedNetworkConnectivity().isEmpty() && System.nanoTime() < end) {
            Thread.sleep(10);
        }
        assertEquals(Map.of(wifi, false), networks.getReportedNetworkConnectivity());
    }

    private static Link linkOf(TelephonyState state, LinkKind kind, Vpn vpn) {
        return state.getLinksList().stream()
                .filter(link -> link.getKind() == kind && link.getVpn() == vpn)
                .findFirst()
                .orElse(null);
    }

    @Test
    public void aVpnIsToldAndWhatTheUserBlocksBesideIt() throws Exception {
        insertCard();
        daemon.connect();
        tellNetwork(77, NetworkCapabilities.TRANSPORT_WIFI);
        tellNetwork(
                78, NetworkCapabilities.TRANSPORT_WIFI, NetworkCapabilities.TRANSPORT_VPN);
        TelephonyState free = stateWhere(state -> state.getLinksCount() == 2);
        assertNotNull(linkOf(free, LinkKind.WIFI, Vpn.VPN_NONE));
        assertNotNull(linkOf(free, LinkKind.WIFI, Vpn.VPN_TUNNEL));
        // "Block connections without VPN".
        Settings.Secure.putInt(app.getContentResolver(), "always_on_vpn_lockdown", 1);
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        TelephonyState blocked =
                stateWhere(state -> linkOf(state, LinkKind.WIFI, Vpn.VPN_LOCKED_OUT) != null);
        assertNotNull(linkOf(blocked, LinkKind.WIFI, Vpn.VPN_TUNNEL));
        // A VPN over the card that carries data has that card's costs.
        ShadowSubscriptionManager.setActiveDataSubscriptionId(SUBSCRIPTION);
        tellNetwork(
                79, NetworkCapabilities.TRANSPORT_CELLULAR, NetworkCapabilities.TRANSPORT_VPN);
        TelephonyState mobile =
                stateWhere(state -> linkOf(state, LinkKind.CELLULAR, Vpn.VPN_TUNNEL) != null);
        assertEquals(1, linkOf(mobile, LinkKind.CELLULAR, Vpn.VPN_TUNNEL).getSimSlot());
        Settings.Secure.putInt(app.getContentResolver(), "always_on_vpn_lockdown", 0);
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        assertNotNull(
                stateWhere(state -> linkOf(state, LinkKind.WIFI, Vpn.VPN_NONE) != null));
    }
}

package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.net.ConnectivityManager;
import android.net.IpPrefix;
import android.net.LinkAddress;
import android.net.LinkProperties;
import android.net.NetworkCapabilities;
import android.net.RouteInfo;
import android.net.wifi.WifiInfo;
import android.os.Looper;
import android.provider.Settings;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowConnectivityManager;
import org.robolectric.shadows.ShadowNetwork;
import org.robolectric.shadows.ShadowNetworkCapabilities;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.robolectric.shadows.ShadowWifiInfo;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.LookAgain;
import org.twine.control.v1.Order;
import org.twine.control.v1.TelephonyState;
import org.twine.control.v1.Vpn;

/** What the agent tells of the networks. */
public class NetworksTest extends AgentFixture {
    private static final String HOME = "192.168.1.1";

    private int lastNetwork = 100;

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
            callback.onLinkPropertiesChanged(wifi, new LinkProperties());
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
        tellProperties(id, new LinkProperties());
    }

    private void tellProperties(int id, LinkProperties properties) {
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onLinkPropertiesChanged(ShadowNetwork.newInstance(id), properties);
        }
    }

    /** A network as DHCP sets it up. */
    private static LinkProperties local(String prefix, String gateway, String... dns) {
        try {
            LinkProperties properties = new LinkProperties();
            properties.setInterfaceName("wlan0");
            Inet4Address router = (Inet4Address) InetAddress.getByName(gateway);
            properties.addLinkAddress(new LinkAddress(prefix.replace(".0/", ".77/")));
            IpPrefix all = new IpPrefix("0.0.0.0/0");
            properties.addRoute(new RouteInfo(all, router, "wlan0", RouteInfo.RTN_UNICAST));
            IpPrefix here = new IpPrefix(prefix);
            properties.addRoute(new RouteInfo(here, null, "wlan0", RouteInfo.RTN_UNICAST));
            properties.setDhcpServerAddress(router);
            for (String server : dns) {
                properties.addDnsServer(InetAddress.getByName(server));
            }
            return properties;
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** What the daemon knows the Wi-Fi with these by; an empty SSID is one that is hidden. */
    private String identity(LinkProperties properties, String ssid) throws Exception {
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        Shadows.shadowOf(able).addTransportType(NetworkCapabilities.TRANSPORT_WIFI);
        if (ssid != null) {
            WifiInfo info = ShadowWifiInfo.newInstance();
            if (!ssid.isEmpty()) {
                Shadows.shadowOf(info).setSSID(ssid);
            }
            Shadows.shadowOf(able).setTransportInfo(info);
        }
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        android.net.Network wifi = ShadowNetwork.newInstance(++lastNetwork);
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(wifi, able);
            callback.onLinkPropertiesChanged(wifi, properties);
        }
        String id = "net" + wifi;
        Link link =
                stateWhere(told -> told.getLinksList().stream().anyMatch(l -> l.getId().equals(id)))
                        .getLinksList()
                        .stream()
                        .filter(l -> l.getId().equals(id))
                        .findFirst()
                        .get();
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onLost(wifi);
        }
        stateWhere(state -> state.getLinksCount() == 0);
        return link.getNetwork();
    }

    @Test
    public void aNetworkIsKnownAgainAndAnotherWithTheSameGatewayIsNot() throws Exception {
        daemon.connect();
        String home = identity(local("192.168.1.0/24", HOME, HOME), null);
        assertTrue(home, home.startsWith("wifi-"));
        // The order of what was told makes no difference, nor IPv6 that came with it.
        LinkProperties again = local("192.168.1.0/24", HOME, HOME);
        again.addDnsServer(InetAddress.getByName("2001:db8::53"));
        again.addLinkAddress(new LinkAddress("2001:db8::7/64"));
        assertEquals(home, identity(again, null));
        Set<String> others =
                new HashSet<>(
                        List.of(
                                home,
                                identity(local("192.168.0.0/16", HOME, HOME), null),
                                identity(local("192.168.1.0/24", HOME, "9.9.9.9"), null),
                                identity(local("192.168.1.0/24", "192.168.1.2", HOME), null)));
        LinkProperties elsewhere = local("192.168.1.0/24", HOME, HOME);
        elsewhere.setDhcpServerAddress((Inet4Address) InetAddress.getByName("192.168.1.9"));
        others.add(identity(elsewhere, null));
        assertEquals(5, others.size());
    }

    @Test
    public void hotspotsWithTheSameAddressesDifferByTheirNameWhereItIsShown() throws Exception {
        daemon.connect();
        LinkProperties hotspot = local("192.168.43.0/24", "192.168.43.1", "192.168.43.1");
        String hidden = identity(hotspot, "");
        assertEquals(identity(hotspot, null), hidden);
        String amina = identity(hotspot, "Amina");
        assertNotEquals(amina, hidden);
        assertNotEquals(amina, identity(hotspot, "Bello"));
        assertEquals(amina, identity(hotspot, "Amina"));
    }

    @Test
    public void aNetworkIsToldWhenItsPropertiesAreKnown() throws Exception {
        daemon.connect();
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        Shadows.shadowOf(able).addTransportType(NetworkCapabilities.TRANSPORT_WIFI);
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(ShadowNetwork.newInstance(77), able);
        }
        // Told after the first, so what would have been told of that is there.
        tellNetwork(78, NetworkCapabilities.TRANSPORT_WIFI);
        TelephonyState one = stateWhere(state -> state.getLinksCount() > 0);
        assertEquals(1, one.getLinksCount());
        assertEquals("net" + ShadowNetwork.newInstance(78), one.getLinks(0).getId());
        tellProperties(77, local("192.168.1.0/24", HOME));
        assertNotNull(stateWhere(state -> state.getLinksCount() == 2));
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

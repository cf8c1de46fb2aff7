package org.twine.bridge.phone;

import android.content.ContentResolver;
import android.content.Context;
import android.database.ContentObserver;
import android.net.ConnectivityManager;
import android.net.LinkProperties;
import android.net.Network;
import android.net.NetworkCapabilities;
import android.net.NetworkRequest;
import android.net.RouteInfo;
import android.net.TelephonyNetworkSpecifier;
import android.net.wifi.WifiInfo;
import android.net.wifi.WifiManager;
import android.os.Handler;
import android.provider.Settings;
import android.telephony.SubscriptionManager;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.Sim;
import org.twine.control.v1.Vpn;

/**
 * The networks with internet that the phone has now, each with the handle by which the daemon binds
 * its sockets. Listens only: which network there is, the platform decides (and {@link DataSim}
 * asks).
 */
final class Networks {
    /** {@code Settings.Secure.ALWAYS_ON_VPN_LOCKDOWN}, which is hidden: 1 while it is on. */
    private static final String VPN_LOCKDOWN = "always_on_vpn_lockdown";

    /** More than a phone has; the daemon takes no more of them. */
    private static final int MAX_NETWORKS = 8;

    private final ConnectivityManager manager;
    private final ContentResolver resolver;
    private final ContentObserver lockdownChanged;
    private final Sims sims;
    private final Runnable changed;

    /* Guarded by this. */
    private final Map<Network, NetworkCapabilities> capabilities = new LinkedHashMap<>();
    private final Map<Network, LinkProperties> properties = new LinkedHashMap<>();

    private final ConnectivityManager.NetworkCallback callback =
            new ConnectivityManager.NetworkCallback() {
                @Override
                public void onCapabilitiesChanged(Network network, NetworkCapabilities now) {
                    synchronized (Networks.this) {
                        if (!capabilities.containsKey(network)
                                && capabilities.size() >= MAX_NETWORKS) {
                            return;
                        }
                        capabilities.put(network, now);
                    }
                    changed.run();
                }

                @Override
                public void onLinkPropertiesChanged(Network network, LinkProperties now) {
                    synchronized (Networks.this) {
                        if (capabilities.containsKey(network)) {
                            properties.put(network, now);
                        }
                    }
                    changed.run();
                }

                @Override
                public void onLost(Network network) {
                    synchronized (Networks.this) {
                        capabilities.remove(network);
                        properties.remove(network);
                    }
                    changed.run();
                }
            };

    /** Tells of changes by {@code changed}. */
    Networks(Context context, Sims sims, Runnable changed) {
        manager = context.getSystemService(ConnectivityManager.class);
        resolver = context.getContentResolver();
        this.sims = sims;
        this.changed = changed;
        lockdownChanged =
                new ContentObserver(new Handler(context.getMainLooper())) {
                    @Override
                    public void onChange(boolean selfChange) {
                        changed.run();
                    }
                };
    }

    /** Begins to listen. */
    void start() {
        NetworkRequest internet =
                new NetworkRequest.Builder()
                        .addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET)
                        // A request asks for what is no VPN unless it says otherwise.
                        .removeCapability(NetworkCapabilities.NET_CAPABILITY_NOT_VPN)
                        .build();
        manager.registerNetworkCallback(internet, callback);
        resolver.registerContentObserver(
                Settings.Secure.getUriFor(VPN_LOCKDOWN), false, lockdownChanged);
    }

    /** Ends it. */
    void stop() {
        manager.unregisterNetworkCallback(callback);
        resolver.unregisterContentObserver(lockdownChanged);
    }

    /**
     * Whether the user blocks connections without VPN. Android does not hold system services to
     * that; the daemon's setting {@code network.vpn_lockdown} says whether it holds itself to it.
     */
    private boolean isLockedDown() {
        return Settings.Secure.getInt(resolver, VPN_LOCKDOWN, 0) != 0;
    }

    private static Vpn vpn(NetworkCapabilities now, boolean lockedDown) {
        if (now.hasTransport(NetworkCapabilities.TRANSPORT_VPN)) {
            return Vpn.VPN_TUNNEL;
        }
        return lockedDown ? Vpn.VPN_LOCKED_OUT : Vpn.VPN_NONE;
    }

    /** The links that are there. */
    synchronized List<Link> describe() {
        List<Link> links = new ArrayList<>();
        boolean lockedDown = isLockedDown();
        capabilities.forEach(
                (network, now) -> {
                    LinkProperties known = properties.get(network);
                    // The platform tells them right after; before, a network has no identity.
                    Link link =
                            known == null ? null : describe(network, now, known, lockedDown);
                    if (link != null) {
                        links.add(link);
                    }
                });
        return links;
    }

    /**
     * Has the platform look whether this link still reaches the internet. If it does, nothing is
     * told; a link that went meanwhile is no more.
     */
    void lookAgain(String link) {
        Network doubted = null;
        synchronized (this) {
            for (Network network : capabilities.keySet()) {
                if (id(network).equals(link)) {
                    doubted = network;
                }
            }
        }
        if (doubted != null) {
            manager.reportNetworkConnectivity(doubted, false);
        }
    }

    private static String id(Network network) {
        return "net" + network;
    }

    private Link describe(
            Network network, NetworkCapabilities now, LinkProperties link, boolean lockedDown) {
        Link.Builder out =
                Link.newBuilder()
                        .setId(id(network))
                        .setUp(true)
                        .setValidated(
                                now.hasCapability(
                                        NetworkCapabilities.NET_CAPABILITY_VALIDATED))
                        .setMetered(
                                !now.hasCapability(
                                        NetworkCapabilities.NET_CAPABILITY_NOT_METERED))
                        .setRoaming(
                                !now.hasCapability(
                                        NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING))
                        .setVpn(vpn(now, lockedDown))
                        .setNetworkHandle(network.getNetworkHandle());
        if (now.hasTransport(NetworkCapabilities.TRANSPORT_CELLULAR)) {
            int subscription = subscriptionOf(now);
            Sim sim = sims.bySubscription(subscription);
            if (sim == null) {
                // Without its card the daemon could not tell what it costs.
                return null;
            }
            return out.setKind(LinkKind.CELLULAR)
                    .setSimSlot(sim.getSlot())
                    .setGeneration(sims.generation(subscription))
                    .setSignalDbm(sims.signalDbm(subscription))
                    .setNetwork("cellular-" + sim.getMccMnc())
                    .build();
        }
        boolean wifi = now.hasTransport(NetworkCapabilities.TRANSPORT_WIFI);
        if (!wifi && !now.hasTransport(NetworkCapabilities.TRANSPORT_ETHERNET)) {
            return null;
        }
        int signal = now.getSignalStrength();
        return out.setKind(wifi ? LinkKind.WIFI : LinkKind.ETHERNET)
                .setSignalDbm(signal < 0 && signal > -200 ? signal / 5 * 5 : 0)
                .setNetwork((wifi ? "wifi-" : "ethernet-") + nameOf(now, link))
                .build();
    }

    /** A VPN tells what it runs over, but not by which card: that is the one with data. */
    private static int subscriptionOf(NetworkCapabilities now) {
        if (now.hasTransport(NetworkCapabilities.TRANSPORT_VPN)) {
            return SubscriptionManager.getActiveDataSubscriptionId();
        }
        if (now.getNetworkSpecifier() instanceof TelephonyNetworkSpecifier) {
            TelephonyNetworkSpecifier of =
                    (TelephonyNetworkSpecifier) now.getNetworkSpecifier();
            return of.getSubscriptionId();
        }
        return -1;
    }

    /**
     * The same for the same local network, without naming it: of its domains, prefix, gateway, name
     * servers and DHCP server, and of the SSID where the platform shows it to the bridge. Many
     * hotspots have the same addresses; where the SSID is hidden those are one network. Of IPv6
     * only where there is no IPv4: it comes later, and its prefixes change.
     */
    private static String nameOf(NetworkCapabilities now, LinkProperties link) {
        Set<String> about = new TreeSet<>();
        boolean hasV4 =
                link.getLinkAddresses().stream()
                        .anyMatch(address -> address.getAddress() instanceof Inet4Address);
        for (RouteInfo route : link.getRoutes()) {
            if (hasV4 == route.getDestination().getAddress() instanceof Inet4Address) {
                InetAddress gateway = route.hasGateway() ? route.getGateway() : null;
                about.add("route " + route.getDestination() + " " + textOf(gateway));
            }
        }
        for (InetAddress server : link.getDnsServers()) {
            if (hasV4 == server instanceof Inet4Address) {
                about.add("dns " + textOf(server));
            }
        }
        about.add("domains " + link.getDomains());
        about.add("dhcp " + textOf(link.getDhcpServerAddress()));
        if (now.getTransportInfo() instanceof WifiInfo) {
            String ssid = ((WifiInfo) now.getTransportInfo()).getSSID();
            if (!WifiManager.UNKNOWN_SSID.equals(ssid)) {
                about.add("ssid " + ssid);
            }
        }
        return String.format("%08x", about.toString().hashCode());
    }

    private static String textOf(InetAddress address) {
        return address == null ? "none" : address.getHostAddress();
    }
}

package org.twine.bridge.phone;

import android.content.Context;
import android.net.ConnectivityManager;
import android.net.LinkProperties;
import android.net.Network;
import android.net.NetworkCapabilities;
import android.net.NetworkRequest;
import android.net.RouteInfo;
import android.net.TelephonyNetworkSpecifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.Sim;

/**
 * The networks with internet that the phone has now, each with the handle by which the daemon binds
 * its sockets. Listens only: which network there is, the platform decides (and {@link DataSim}
 * asks).
 */
final class Networks {
    /** More than a phone has; the daemon takes no more of them. */
    private static final int MAX_NETWORKS = 8;

    private final ConnectivityManager manager;
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
        this.sims = sims;
        this.changed = changed;
    }

    /** Begins to listen. */
    void start() {
        NetworkRequest internet =
                new NetworkRequest.Builder()
                        .addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET)
                        .addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_VPN)
                        .build();
        manager.registerNetworkCallback(internet, callback);
    }

    /** Ends it. */
    void stop() {
        manager.unregisterNetworkCallback(callback);
    }

    /** The links that are there. */
    synchronized List<Link> describe() {
        List<Link> links = new ArrayList<>();
        capabilities.forEach(
                (network, now) -> {
                    Link link = describe(network, now, properties.get(network));
                    if (link != null) {
                        links.add(link);
                    }
                });
        return links;
    }

    private Link describe(Network network, NetworkCapabilities now, LinkProperties link) {
        Link.Builder out =
                Link.newBuilder()
                        .setId("net" + network)
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
                .setNetwork((wifi ? "wifi-" : "ethernet-") + nameOf(link))
                .build();
    }

    private static int subscriptionOf(NetworkCapabilities now) {
        if (now.getNetworkSpecifier() instanceof TelephonyNetworkSpecifier) {
            TelephonyNetworkSpecifier of =
                    (TelephonyNetworkSpecifier) now.getNetworkSpecifier();
            return of.getSubscriptionId();
        }
        return -1;
    }

    /** The same for the same local network, without naming it. */
    private static String nameOf(LinkProperties link) {
        if (link == null) {
            return "unknown";
        }
        StringBuilder about = new StringBuilder(String.valueOf(link.getDomains()));
        for (RouteInfo route : link.getRoutes()) {
            if (route.isDefaultRoute() && route.getGateway() != null) {
                about.append(' ').append(route.getGateway().getHostAddress());
            }
        }
        return String.format("%08x", about.toString().hashCode());
    }
}

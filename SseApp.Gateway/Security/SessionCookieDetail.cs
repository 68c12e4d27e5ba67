using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Security;

/// <summary>Says what to do to a page that may not use the cookie, and to a program that has no page.</summary>
internal static class SessionCookieDetail
{
    public const string ListIt =
        $"List it in {CrossOriginOptions.SectionName}:{nameof(CrossOriginOptions.Origins)}; if it is the gateway's own, behind a proxy, list the proxy in Proxies:Known.";

    public static string Of(HttpRequest request) => PageOrigin.IsOtherPage(request)
        ? $"Pages of this origin may not use the cookie. {ListIt}"
        : SessionCookie.NeedsOrigin;
}

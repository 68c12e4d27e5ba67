namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Who may change something from a web page. A browser sends a page's simple POST (<c>text/plain</c>) anywhere without asking;
/// CORS only keeps the page from reading the answer. But the browser says whose page it is, and a page cannot keep it from that.
/// </summary>
internal static class PageOrigin
{
    /// <summary>Reason of the refusal.</summary>
    public const string Foreign = "foreign-origin";

    /// <summary>True for a method that is not safe (RFC 9110, 9.2.1).</summary>
    public static bool MayChange(string method) =>
        !(HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method));

    /// <summary>True for a request that would change something and comes from a page of neither this service nor a listed origin.</summary>
    /// <param name="request">With scheme and host as the client used them.</param>
    /// <param name="listed">Origins that may; <c>*</c> is all.</param>
    public static bool IsForeign(HttpRequest request, IEnumerable<string> listed) =>
        MayChange(request.Method) && IsOtherPage(request) && !IsListed(request, listed);

    /// <summary>True for a page of one of these origins; <c>*</c> is all.</summary>
    public static bool IsListed(HttpRequest request, IEnumerable<string> listed) => listed.Contains("*", StringComparer.Ordinal) || IsNamed(request, listed);

    /// <summary>True for a page of one of these origins; <c>*</c> is none.</summary>
    public static bool IsNamed(HttpRequest request, IEnumerable<string> listed) => request.Headers.Origin is [{ } origin] && listed.Any(other => IsSame(origin, other));

    /// <summary>True only for what a page of the service itself has sent, by the word of its browser. A program says nothing.</summary>
    public static bool IsOwnPage(HttpRequest request) =>
        (request.Headers.Origin.Count > 0 || request.Headers["Sec-Fetch-Site"] == "same-origin") && !IsOtherPage(request);

    /// <summary>True for whatever a page of another origin may have sent, also what changes nothing. A program sends no origin.</summary>
    public static bool IsOtherPage(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        return request.Headers.Origin switch
        {
            // A program sends neither; a browser that hides the origin still says that it is another one.
            { Count: 0 } => site is "cross-site" or "same-site",
            [{ } origin] => !IsOwn(request, origin, site),
            _ => true,
        };
    }

    private static bool IsOwn(HttpRequest request, string origin, string site)
    {
        if (IsSame(origin, $"{request.Scheme}://{request.Host.Value}"))
        {
            return true;
        }

        // Behind a proxy that ends TLS and is not known, the scheme is not the page's. The browser knows that it is the same.
        return site == "same-origin" && Uri.TryCreate(origin, UriKind.Absolute, out var own) && IsSame(origin, $"{own.Scheme}://{request.Host.Value}");
    }

    /// <summary>Whether an origin is another one: with the port that a scheme has by default, and without regard to case and to a dot at the end of the name.</summary>
    public static bool IsSame(string one, string other) =>
        Uri.TryCreate(one, UriKind.Absolute, out var first) && Uri.TryCreate(other, UriKind.Absolute, out var second)
        && first is { PathAndQuery: "/", UserInfo: "" }
        && first.Port == second.Port
        && string.Equals(first.Scheme, second.Scheme, StringComparison.OrdinalIgnoreCase)
        && HostName.Of(first) is { } host && HostName.Of(second) is { } otherHost
        && string.Equals(HostName.WithoutDot(host), HostName.WithoutDot(otherHost), StringComparison.OrdinalIgnoreCase);
}

using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// The cookie in which a browser keeps a token, because an <c>EventSource</c> can send no header. No script can read it, and its
/// prefix keeps other hosts and pages without TLS from setting it. A browser sends a cookie with whatever asks, so a request that has
/// one also has to say that a page of ours sent it.
/// </summary>
internal static class SessionCookie
{
    public const string Name = "__Host-sse_token";

    /// <summary>What to do for whoever changes something with the cookie alone, and does not say from which page.</summary>
    public const string NeedsOrigin =
        "Whoever changes something with a cookie has to send the page's Origin, as browsers do. Programs send 'Authorization: Bearer' with the token instead.";

    // A browser takes these, and no others, from around a name before it asks whether the prefix is there. With any other space in front of
    // it, a page of a neighbouring host can set the cookie.
    private const string Spaces = " \t";

    /// <summary>Characters of a token that fit: browsers drop a cookie of more than 4 096 bytes with its name, and say nothing.</summary>
    public const int MaxLength = 3_800;

    /// <summary>Whether the request has the cookie, empty or not.</summary>
    public static bool IsSent(HttpRequest request) => TryRead(request, out _);

    /// <param name="request">The request.</param>
    /// <param name="token">Null when there are two that differ: a browser may have one for all pages and one for those of another site.</param>
    public static bool TryRead(HttpRequest request, out string? token)
    {
        token = null;
        var found = false;
        foreach (var line in request.Headers.Cookie)
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var pair = line.AsSpan(range).Trim(Spaces);
                if (!pair.StartsWith(Name, StringComparison.Ordinal) || pair[Name.Length..].TrimStart(Spaces) is not ['=', .. var value])
                {
                    continue;
                }

                if (found && !value.Trim(Spaces).SequenceEqual(token))
                {
                    token = null;
                    return true;
                }

                token = value.Trim(Spaces).ToString();
                found = true;
            }
        }

        return found;
    }

    /// <summary>
    /// True for a request that stands on the cookie alone and was not sent by a page of the service or of an origin that is listed by its
    /// name. What changes something has to prove that, by <c>Origin</c> or <c>Sec-Fetch-Site</c>; what reads must not say otherwise.
    /// </summary>
    /// <param name="request">With scheme and host as the client used them.</param>
    /// <param name="listed">Origins that may; <c>*</c> names none, because no browser lets such a page use cookies.</param>
    public static bool IsForeign(HttpRequest request, IEnumerable<string> listed)
    {
        // A page cannot send Authorization to another origin unless CORS let it, and then the cookie does not count.
        if (CredentialHandler.SourceOf(request) != CredentialSource.Cookie)
        {
            return false;
        }

        return PageOrigin.MayChange(request.Method)
            ? !PageOrigin.IsOwnPage(request) && !PageOrigin.IsNamed(request, listed)
            : PageOrigin.IsOtherPage(request) && !PageOrigin.IsNamed(request, listed) && !IsLink(request);
    }

    // Whoever follows a link sees the answer, and the page that has the link does not.
    private static bool IsLink(HttpRequest request) => request.Headers.Origin.Count == 0 && request.Headers["Sec-Fetch-Mode"] == "navigate";

    /// <summary>Sets the cookie, or renews it.</summary>
    /// <param name="context">The request with the token.</param>
    /// <param name="token">No longer than <see cref="MaxLength"/>.</param>
    /// <param name="life">Until the token ends.</param>
    /// <param name="forOtherSite">The page is one of another origin: it has the cookie for itself, and no other site's page gets it.</param>
    public static void Set(HttpContext context, string token, TimeSpan life, bool forOtherSite)
    {
        if (IsSent(context.Request))
        {
            // The one of the other kind, so that there are not two. First, because to a browser that knows no partitions both are one.
            // As Strict it deletes nothing for a page of another site: browsers do not take such a cookie from there.
            Append(context, "", TimeSpan.Zero, !forOtherSite);
        }

        Append(context, token, life, forOtherSite);
    }

    /// <summary>Deletes it, of whichever kind it is.</summary>
    public static void Delete(HttpContext context)
    {
        Append(context, "", TimeSpan.Zero, forOtherSite: false);
        Append(context, "", TimeSpan.Zero, forOtherSite: true);
    }

    private static void Append(HttpContext context, string token, TimeSpan life, bool forOtherSite)
    {
        var options = new CookieOptions
        {
            HttpOnly = true,
            Secure = true,
            Path = "/",
            MaxAge = life,
            SameSite = forOtherSite ? SameSiteMode.None : SameSiteMode.Strict,
        };
        if (forOtherSite)
        {
            options.Extensions.Add("Partitioned");
        }

        context.Response.Cookies.Append(Name, token, options);
    }
}

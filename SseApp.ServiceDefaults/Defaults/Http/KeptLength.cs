namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Of a request with a coding and a length Kestrel keeps the length under a name of its own, and fails if the request has a header of
/// that name, too: the connection would end without an answer, by an exception that is no refusal. So it is noticed which heads have one.
/// </summary>
internal static class KeptLength
{
    public const string Name = "X-Content-Length";

    // A head is read without a pause between two calls of its connection's reader.
    [ThreadStatic]
    private static bool s_seen;

    /// <summary>The server reads a header of this name.</summary>
    public static void See(string name)
    {
        if (name.Length == Name.Length && name.Equals(Name, StringComparison.OrdinalIgnoreCase))
        {
            s_seen = true;
        }
    }

    /// <summary>Whether it has read the header since this was asked last, on this thread.</summary>
    public static bool TakeSeen()
    {
        var seen = s_seen;
        s_seen = false;
        return seen;
    }
}

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>What may be the name of a header, a method or a cookie: a token (RFC 9110, 5.6.2).</summary>
internal static class HeaderName
{
    private static readonly SearchValues<char> s_characters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsValid(ReadOnlySpan<char> name) => !name.IsEmpty && !name.ContainsAnyExcept(s_characters);
}

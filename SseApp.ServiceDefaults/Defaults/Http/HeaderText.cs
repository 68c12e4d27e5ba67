using System.Text;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Values of headers, which <see cref="HttpServerSetup"/> reads byte for byte, a character for each.</summary>
internal static class HeaderText
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The value as its sender probably meant it: UTF-8 where it is that, Latin-1 otherwise.</summary>
    public static string Readable(string value)
    {
        if (Ascii.IsValid(value))
        {
            return value;
        }

        try
        {
            return s_utf8.GetString(Encoding.Latin1.GetBytes(value));
        }
        catch (DecoderFallbackException)
        {
            return value;
        }
    }
}

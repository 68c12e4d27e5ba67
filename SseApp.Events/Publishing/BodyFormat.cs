using Microsoft.Net.Http.Headers;
using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// Refuses a body whose headers say that it is not the text which is to be published: stored as it is, it would be an event
/// that nobody meant. What such a body consists of is not looked at; a type that is not given says nothing and is accepted.
/// </summary>
internal static class BodyFormat
{
    // Parts of names: x-protobuf, vnd.google.protobuf, gzip, x-msgpack, senml+cbor, ….
    private static readonly string[] s_binary = ["protobuf", "grpc", "msgpack", "cbor", "bson", "avro", "zip", "pdf", "wasm"];
    private static readonly string[] s_charsets = ["utf-8", "utf8", "us-ascii", "ascii"];

    /// <returns>The refusal, or null.</returns>
    public static IResult? Refuse(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.ContentEncoding.ToString() is { Length: > 0 } coding && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            return Problems.UnsupportedMediaType("The body must not be compressed; send it without Content-Encoding.");
        }

        return headers.ContentType.ToString() is { Length: > 0 } type && FindBrokenRule(type) is { } rule ? Problems.UnsupportedMediaType(rule) : null;
    }

    private static string? FindBrokenRule(string contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type))
        {
            return "Content-Type cannot be read; send text/plain or application/json, or leave it out.";
        }

        if (type.Parameters.Any(parameter => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)
            && !s_charsets.Contains(HeaderUtilities.RemoveQuotes(parameter.Value).ToString(), StringComparer.OrdinalIgnoreCase)))
        {
            return "The body must be UTF-8, and Content-Type names another charset.";
        }

        return IsText(type) ? null : $"{type.MediaType} is not the text of events; send it as text/plain or application/json, or without Content-Type.";
    }

    private static bool IsText(MediaTypeHeaderValue type)
    {
        var (kind, name) = (type.Type, type.SubType);
        return kind.Equals("text", StringComparison.OrdinalIgnoreCase) ? !name.Equals("event-stream", StringComparison.OrdinalIgnoreCase)
            : kind.Equals("application", StringComparison.OrdinalIgnoreCase) ? !s_binary.Any(part => name.AsSpan().Contains(part, StringComparison.OrdinalIgnoreCase))
            : type.Suffix.Equals("xml", StringComparison.OrdinalIgnoreCase) || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase);
    }
}

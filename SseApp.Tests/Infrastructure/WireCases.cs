namespace SseApp.Tests.Infrastructure;

/// <summary>What an event stream may consist of by https://html.spec.whatwg.org/multipage/server-sent-events.html, and what a proxy is tempted to change.</summary>
public static class WireCases
{
    /// <summary>Text to be sent byte by byte.</summary>
    public static TheoryData<string, string> Texts => new()
    {
        { "byte order mark", "\uFEFFdata: a\n\n" },
        { "all line ends", "data: a\rdata: b\r\ndata: c\n\r\n\r\r" },
        { "not ASCII", "data: äöü€ 漢字 😀\n\n" },
        { "comment of 2 KB", ":" + new string('x', 2048) + "\n\n" },
        { "NUL in an id", "id: a\0b\ndata: x\n\n" },
        { "retry and odd fields", "retry: 10\nretry:x\nfoo\n:\n\ndata\n\n" },
        { "event without its end", "data: whole\n\nid: 7\ndata: cut" },
    };

    /// <summary>The first two bytes of a character, its last one with half a line end, and the other half.</summary>
    public static byte[][] Halves => [[0xE2, 0x82], [0xAC, (byte)'\r'], [(byte)'\n']];

    public static byte[][] EventOf5MB => [Encoding.ASCII.GetBytes("data: " + new string('y', 5 * 1024 * 1024) + "\n\n")];

    public static byte[][] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => new[] { value })];
}

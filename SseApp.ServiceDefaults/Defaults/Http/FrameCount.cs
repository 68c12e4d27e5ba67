namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Counts the frames that clients send over HTTP/2, by their type. A flood of SETTINGS, PING or empty DATA, or of heads that are
/// wrong, is no request: whoever reads the answers to it shows in no other number. Register one where clients are strangers.
/// </summary>
/// <param name="Count">Takes the name of a type.</param>
internal sealed record FrameCount(Action<string> Count);

/// <summary>Finds the frames in the bytes of one connection (RFC 9113, 4.1); what is in them is skipped.</summary>
internal sealed class FrameReader(FrameCount frames)
{
    private const int HeaderBytes = 9;
    private const string Other = "other";

    // By their numbers.
    private static readonly string[] s_types = ["data", "headers", "priority", "rst_stream", "settings", "push_promise", "ping", "goaway", "window_update", "continuation"];

    /// <summary>All that is counted.</summary>
    public static IEnumerable<string> Types => s_types.Append(Other);

    private byte[]? _header;
    private int _known;
    private int _skip;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <param name="bytes">What has come after all that has been read.</param>
    /// <returns>False when this is not HTTP/2.</returns>
    public bool Read(ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
        {
            if (!Read(segment.Span))
            {
                return false;
            }
        }

        return true;
    }

    private bool Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int taken;
            if (_header is null)
            {
                taken = Math.Min(bytes.Length, Preface.Length - _known);
                if (!bytes[..taken].SequenceEqual(Preface.Slice(_known, taken)))
                {
                    return false;
                }

                _known += taken;
                if (_known == Preface.Length)
                {
                    (_header, _known) = (new byte[HeaderBytes], 0);
                }
            }
            else if (_skip > 0)
            {
                taken = Math.Min(bytes.Length, _skip);
                _skip -= taken;
            }
            else
            {
                taken = Math.Min(bytes.Length, HeaderBytes - _known);
                bytes[..taken].CopyTo(_header.AsSpan(_known));
                _known += taken;
                if (_known == HeaderBytes)
                {
                    (_known, _skip) = (0, (_header[0] << 16) | (_header[1] << 8) | _header[2]);
                    frames.Count(_header[3] < s_types.Length ? s_types[_header[3]] : Other);
                }
            }

            bytes = bytes[taken..];
        }

        return true;
    }
}

using SseApp.Bench.Generator;
using StreamClient = SseApp.Bench.Generator.StreamClient;

namespace SseApp.Tests.Bench;

/// <summary>Frames of an HTTP/2 response, as servers send them and reads cut them.</summary>
public sealed class Http2ResponseTests
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte Ping = 6;

    [Fact]
    public void A_body_is_read_once_however_it_is_framed_and_cut() =>
        Gen.Select(Gen.Int[0, 200].Array[1, 20], Gen.Bool, Gen.Int[1, 40].Array[1, 20]).Sample((pieces, padded, reads) =>
        {
            var body = "";
            List<byte> bytes = [.. Frame(Settings, 0, []), .. Frame(Headers, 4, [0x20, 0x88, 0x5f])];
            foreach (var length in pieces)
            {
                var text = new string((char)('a' + (body.Length % 26)), length);
                body += text;
                bytes.AddRange(padded ? Frame(Data, 8, [3, .. Encoding.ASCII.GetBytes(text), 0, 0, 0]) : Frame(Data, 0, Encoding.ASCII.GetBytes(text)));
                bytes.AddRange(Frame(Ping, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
            }

            bytes.AddRange(Frame(Data, 1, []));
            var (stream, read, sent) = Feed([.. bytes], reads);

            Assert.Equal((200, ResponsePart.Ended, false), (stream.Status, stream.Part, stream.IsReset));
            Assert.Equal(body, read);
            Assert.Equal(pieces.Length + 1, sent.Count);
            Assert.Equal(Frame(Settings, 1, []), sent[0]);
            Assert.All(sent[1..], answer => Assert.Equal(Frame(Ping, 1, [1, 2, 3, 4, 5, 6, 7, 8]), answer));
        });

    [Theory]
    [InlineData(new byte[] { 0x88 }, 200)]
    [InlineData(new byte[] { 0x3f, 0xe1, 0x1f, 0x88 }, 200)]
    [InlineData(new byte[] { 0x8c }, 400)]
    [InlineData(new byte[] { 0x48, 0x03, 0x35, 0x30, 0x33 }, 599)]
    public void The_status_is_the_first_field(byte[] fields, int status) =>
        Assert.Equal(status, Feed(Frame(Headers, 4, fields), [7]).Stream.Status);

    [Fact]
    public void A_stream_that_the_server_breaks_off_has_not_ended()
    {
        var (stream, _, _) = Feed([.. Frame(Headers, 4, [0x88]), .. Frame(Reset, 0, [0, 0, 0, 8])], [100]);

        Assert.Equal((true, ResponsePart.Body), (stream.IsReset, stream.Part));
    }

    private static (StreamClient Stream, string Body, List<byte[]> Sent) Feed(byte[] bytes, int[] reads)
    {
        var stream = new StreamClient(0, 1);
        var response = new Http2Response();
        var body = new StringBuilder();
        List<byte[]> sent = [];
        for (var (start, read) = (0, 0); start < bytes.Length; read++)
        {
            var count = Math.Min(reads[read % reads.Length], bytes.Length - start);
            response.Feed(stream, bytes.AsSpan(start, count), part => body.Append(Encoding.ASCII.GetString(part)), sent.Add);
            start += count;
        }

        return (stream, body.ToString(), sent);
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload) => [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, type is Settings or Ping ? (byte)0 : (byte)1, .. payload];
}

namespace SseApp.Tests.Infrastructure;

/// <summary>A stream in parts: the server sends one only when every client has read the one before.</summary>
/// <param name="parts">What is sent.</param>
/// <param name="clients">How many read it.</param>
internal sealed class LockStep(byte[][] parts, int clients = 1) : IDisposable
{
    private readonly SemaphoreSlim _read = new(0);

    /// <summary>The server's side.</summary>
    public async Task SendAsync(Func<byte[], Task> send, CancellationToken cancellationToken)
    {
        foreach (var part in parts)
        {
            await send(part);
            for (var i = 0; i < clients; i++)
            {
                await _read.WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>A client's side: each part in its turn, then the end, and all of it exactly as it was sent.</summary>
    public async Task ReceiveAsync(StreamClient client, string name)
    {
        var count = 0;
        foreach (var part in parts)
        {
            count += part.Length;
            await client.ReadBytesAsync(count);
            _read.Release();
        }

        var received = await client.ReadToEndAsync();
        byte[] sent = [.. parts.SelectMany(part => part)];
        Assert.True(sent.AsSpan().SequenceEqual(received), $"{name}: received {Start(received)}, sent {Start(sent)}");
    }

    public void Dispose() => _read.Dispose();

    private static string Start(byte[] bytes) => $"{bytes.Length} bytes, {Convert.ToHexString(bytes.AsSpan(0, Math.Min(bytes.Length, 4096)))}";
}

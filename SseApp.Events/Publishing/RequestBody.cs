using System.Buffers;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>Reads the whole body of a request, no faster than memory is there for it and no slower than it may be.</summary>
internal sealed class RequestBody(IOptions<PublishingOptions> options, EventsMetrics metrics, TimeProvider time)
{
    private const int FirstBytes = 1024;

    /// <param name="request">The request.</param>
    /// <param name="maxBytes">The most that it may have.</param>
    /// <param name="share">Gives the memory for it.</param>
    public ValueTask<BodyRead> ReadAsync(HttpRequest request, int maxBytes, MemoryShare share)
    {
        if (request.ContentLength > maxBytes)
        {
            return new ValueTask<BodyRead>(new BodyRead(default, BodyFault.TooLarge));
        }

        // A small body has come together with its head.
        if (request.ContentLength is { } length && request.BodyReader.TryRead(out var read))
        {
            if (read.Buffer.Length == length)
            {
                if (!share.TryTake(length))
                {
                    return new ValueTask<BodyRead>(new BodyRead(default, BodyFault.NoMemory));
                }

                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return new ValueTask<BodyRead>(new BodyRead(body, BodyFault.None));
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start);
        }

        return ReadSlowlyAsync(request, maxBytes, share);
    }

    /// <summary>Hands the body over piece by piece.</summary>
    /// <param name="request">The request.</param>
    /// <param name="take">Takes the next bytes; false when it wants no more.</param>
    /// <exception cref="BadHttpRequestException">It broke off, or came too slowly.</exception>
    public async Task ReadAsync(HttpRequest request, Func<ReadOnlyMemory<byte>, bool> take)
    {
        using var late = new CancellationTokenSource(options.Value.BodyTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, request.HttpContext.RequestAborted);
        try
        {
            while (true)
            {
                var read = await request.BodyReader.ReadAsync(either.Token);
                try
                {
                    foreach (var segment in read.Buffer)
                    {
                        if (!take(segment))
                        {
                            return;
                        }
                    }
                }
                finally
                {
                    // The server reads what is left of the body, and cannot while somebody else does.
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                }

                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException exception) when (late.IsCancellationRequested && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            metrics.PublishRefused(PublishRefusal.TooSlow);
            throw new BadHttpRequestException("The body came too slowly.", StatusCodes.Status408RequestTimeout, exception);
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            // The server's own minimum of bytes a second.
            metrics.PublishRefused(PublishRefusal.TooSlow);
            throw;
        }
    }

    private async ValueTask<BodyRead> ReadSlowlyAsync(HttpRequest request, int maxBytes, MemoryShare share)
    {
        // Of what is announced nothing is allocated before it has come.
        var most = (int)(request.ContentLength ?? maxBytes);
        byte[] buffer = [];
        var length = 0;
        var fault = BodyFault.None;
        await ReadAsync(request, piece =>
        {
            var needed = (long)length + piece.Length;
            if (needed > most)
            {
                fault = BodyFault.TooLarge;
                return false;
            }

            if (needed > buffer.Length)
            {
                var size = (int)Math.Min(most, Math.Max(needed, Math.Max(FirstBytes, buffer.Length * 2L)));
                if (!share.TryTake(size))
                {
                    fault = BodyFault.NoMemory;
                    return false;
                }

                var old = buffer.Length;
                Array.Resize(ref buffer, size);
                share.Return(old);
            }

            piece.Span.CopyTo(buffer.AsSpan(length));
            length += piece.Length;
            return true;
        });
        return fault == BodyFault.None ? new BodyRead(buffer.AsMemory(0, length), fault) : new BodyRead(default, fault);
    }
}

internal enum BodyFault
{
    None,
    TooLarge,
    NoMemory,
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodyRead(ReadOnlyMemory<byte> Bytes, BodyFault Fault);

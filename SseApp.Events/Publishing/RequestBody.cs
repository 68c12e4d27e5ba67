using System.Buffers;

namespace SseApp.Events.Publishing;

internal static class RequestBody
{
    /// <summary>Reads the whole body.</summary>
    /// <returns>Null when it has more than <paramref name="maxBytes"/>.</returns>
    public static ValueTask<byte[]?> ReadAsync(HttpRequest request, int maxBytes)
    {
        if (request.ContentLength > maxBytes)
        {
            return new ValueTask<byte[]?>((byte[]?)null);
        }

        // A small body has come together with its head.
        if (request.ContentLength is { } length && request.BodyReader.TryRead(out var read))
        {
            if (read.Buffer.Length == length)
            {
                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return new ValueTask<byte[]?>(body);
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start);
        }

        return ReadSlowlyAsync(request, maxBytes);
    }

    private static async ValueTask<byte[]?> ReadSlowlyAsync(HttpRequest request, int maxBytes)
    {
        using var buffer = new MemoryStream((int)(request.ContentLength ?? 0));
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            foreach (var segment in read.Buffer)
            {
                buffer.Write(segment.Span);
            }

            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (buffer.Length > maxBytes)
            {
                return null;
            }

            if (read.IsCompleted)
            {
                return buffer.ToArray();
            }
        }
    }
}

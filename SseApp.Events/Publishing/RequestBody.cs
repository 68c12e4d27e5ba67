namespace SseApp.Events.Publishing;

internal static class RequestBody
{
    /// <summary>Reads the whole body.</summary>
    /// <returns>Null when it has more than <paramref name="maxBytes"/>.</returns>
    public static async Task<byte[]?> ReadAsync(HttpRequest request, int maxBytes)
    {
        if (request.ContentLength > maxBytes)
        {
            return null;
        }

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

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>The way to one client. Used by one thread at a time; no send while another is under way.</summary>
internal interface IStreamWriter
{
    /// <summary>
    /// Sends the buffer's bytes. Completes at once unless the client reads slower than it is written to. The buffer is
    /// the caller's again when this returns, not only when the task completes.
    /// </summary>
    /// <returns>False when the client is gone.</returns>
    ValueTask<bool> SendAsync(SendBuffer buffer);

    /// <summary>Cuts the connection without a clean end; a send under way then completes.</summary>
    void Abort();
}

/// <summary>A server that has a way of its own to write to the client of a stream.</summary>
internal interface IStreamWriterFeature
{
    /// <summary>Called once, when the response has started.</summary>
    IStreamWriter CreateWriter();
}

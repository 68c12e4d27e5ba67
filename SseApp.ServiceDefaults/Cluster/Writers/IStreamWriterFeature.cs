namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>A server that has a way of its own to write to the client of a stream.</summary>
internal interface IStreamWriterFeature
{
    /// <summary>Called once, when the response has started.</summary>
    IStreamWriter CreateWriter();
}

using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace SseApp.Events.Publishing;

/// <summary>Where the lines of a stream of publishes come from.</summary>
internal abstract class StreamInput
{
    /// <summary>The next bytes; none when reading was cancelled.</summary>
    /// <exception cref="IOException">Its client is gone, or broke off.</exception>
    public abstract ValueTask<StreamPiece> ReadAsync();

    /// <summary>What was read last is done with.</summary>
    public abstract void Advance();

    public abstract void Cancel();
}

/// <param name="Bytes">Until <see cref="StreamInput.Advance"/>.</param>
/// <param name="End">Why nothing comes after it (<see cref="PublishStreamEnd"/>); null: more may come.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StreamPiece(ReadOnlySequence<byte> Bytes, string? End);

/// <summary>The body of a request.</summary>
internal sealed class BodyInput(PipeReader body) : StreamInput
{
    private SequencePosition _end;

    public override async ValueTask<StreamPiece> ReadAsync()
    {
        var read = await body.ReadAsync();
        _end = read.Buffer.End;
        return new StreamPiece(read.Buffer, read.IsCompleted ? PublishStreamEnd.Complete : null);
    }

    public override void Advance() => body.AdvanceTo(_end);

    public override void Cancel() => body.CancelPendingRead();
}

/// <summary>A body that a gateway forwards in frames.</summary>
internal sealed class FramedInput(PublishFrameReader frames) : StreamInput
{
    public override async ValueTask<StreamPiece> ReadAsync()
    {
        var frame = await frames.ReadAsync() ?? throw new IOException("The gateway ended the connection before the body.");
        return frame.Kind switch
        {
            PublishFrameKind.None or PublishFrameKind.Body => new StreamPiece(frame.Payload, null),
            PublishFrameKind.BodyEnd => new StreamPiece(default, frame.Payload.IsEmpty ? PublishStreamEnd.Complete : Encoding.ASCII.GetString(frame.Payload)),
            _ => throw new IOException($"A gateway does not send frames of kind {(int)frame.Kind}."),
        };
    }

    public override void Advance() => frames.Advance();

    public override void Cancel() => frames.Cancel();
}

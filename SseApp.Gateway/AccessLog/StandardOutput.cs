using System.Text;

namespace SseApp.Gateway.AccessLog;

internal sealed class StandardOutput(string header) : IAccessLogTarget
{
    private readonly Stream _output = System.Console.OpenStandardOutput();
    private bool _begun;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellationToken)
    {
        if (!_begun)
        {
            await _output.WriteAsync(Encoding.ASCII.GetBytes(header), cancellationToken);
            _begun = true;
        }

        await _output.WriteAsync(lines, cancellationToken);
        await _output.FlushAsync(cancellationToken);
    }

    public void Dispose() => _output.Dispose();
}

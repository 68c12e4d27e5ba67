using System.Text;

namespace SseApp.Gateway.AccessLog;

/// <summary>A file that is renamed and begun anew when it is full. Opens lazily again after a failure, or when somebody moved it away.</summary>
internal sealed class RotatingFile : IAccessLogTarget
{
    private readonly string _path;
    private readonly long _maxBytes;
    private readonly int _maxOld;
    private readonly byte[] _header;
    private FileStream? _file;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public RotatingFile(string path, long maxBytes, int maxOld, string header = "")
    {
        _path = Path.GetFullPath(path);
        _maxBytes = maxBytes;
        _maxOld = maxOld;
        _header = Encoding.ASCII.GetBytes(header);
        _file = Open();
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellationToken)
    {
        try
        {
            // Moved away or deleted (as logrotate does): what is written to it further would be lost.
            if (_file is not null && (!File.Exists(_path) || Length >= _maxBytes))
            {
                await _file.DisposeAsync();
                _file = null;
                Rotate();
            }

            _file ??= Open();
            if (Length == 0 && _header.Length > 0)
            {
                await _file.WriteAsync(_header, cancellationToken);
            }

            await _file.WriteAsync(lines, cancellationToken);
            await _file.FlushAsync(cancellationToken);
        }
        catch
        {
            _file?.Dispose();
            _file = null;
            throw;
        }
    }

    public void Dispose() => _file?.Dispose();

    // A device or pipe has no length, and is never full.
    private long Length => _file is { CanSeek: true } ? _file.Length : 1;

    private FileStream Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        return new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);
    }

    private void Rotate()
    {
        if (!File.Exists(_path))
        {
            return;
        }

        if (_maxOld == 0)
        {
            File.Delete(_path);
            return;
        }

        for (var number = _maxOld - 1; number >= 1; number--)
        {
            if (File.Exists($"{_path}.{number}"))
            {
                File.Move($"{_path}.{number}", $"{_path}.{number + 1}", overwrite: true);
            }
        }

        File.Move(_path, $"{_path}.1", overwrite: true);
    }
}

namespace SseApp.Tests.Infrastructure;

/// <summary>How long some program of this machine waited for a core, as Linux counts it.</summary>
internal static class CpuPressure
{
    private const string File = "/proc/pressure/cpu";

    /// <summary>Since the machine's start; always zero where the system does not count it.</summary>
    public static TimeSpan Total
    {
        get
        {
            try
            {
                var some = System.IO.File.ReadLines(File).First(line => line.StartsWith("some ", StringComparison.Ordinal));
                return TimeSpan.FromMicroseconds(long.Parse(some[(some.IndexOf("total=", StringComparison.Ordinal) + "total=".Length)..], CultureInfo.InvariantCulture));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return TimeSpan.Zero;
            }
        }
    }
}

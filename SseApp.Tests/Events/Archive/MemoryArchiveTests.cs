using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>The archive that other tests use instead of a database keeps the same promises.</summary>
public sealed class MemoryArchiveTests : EventArchiveContract
{
    private MemoryArchive? _archive;

    private protected override Task<IEventArchive> OpenAsync(TimeProvider clock) => Task.FromResult<IEventArchive>(_archive ??= new MemoryArchive(clock));
}

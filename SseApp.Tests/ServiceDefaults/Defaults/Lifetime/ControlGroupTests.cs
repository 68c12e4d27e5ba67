using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What a container may have, and what is said when a setting or the program needs more.</summary>
public sealed class ControlGroupTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-cgroup-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_smallest_limit_of_version_2_counts_whichever_group_has_it()
    {
        Write("a.slice/pids.max", "100");
        Write("a.slice/pids.current", "70");
        Write("a.slice/b.scope/pids.max", "max");
        Write("a.slice/b.scope/pids.current", "20");
        Write("a.slice/b.scope/memory.max", "1000");
        Write("a.slice/memory.max", "max");

        var group = Group("0::/a.slice/b.scope");

        Assert.Equal((100L, 70L), group.Threads);
        Assert.Equal(1000, group.Memory);
    }

    [Fact]
    public void Version_1_has_a_hierarchy_for_each_kind()
    {
        Write("pids/a/pids.max", "50");
        Write("pids/a/pids.current", "21");
        Write("memory/memory.limit_in_bytes", "9223372036854771712");
        Write("memory/a/memory.limit_in_bytes", "2000");
        Write("unified/a/memory.max", "max");

        var group = Group("12:pids:/a", "4:memory:/a", "3:cpu,cpuacct:/a", "0::/a");

        Assert.Equal((50L, 21L), group.Threads);
        Assert.Equal(2000, group.Memory);
    }

    /// <summary>It is told its path on the host, and shown its own group alone.</summary>
    [Fact]
    public void A_container_finds_its_own_where_the_mount_begins()
    {
        Write("pids/pids.max", "60");
        Write("pids/pids.current", "2");

        Assert.Equal((60L, 2L), Group("12:pids:/docker/3fa9c01b22d4", "0::/docker/3fa9c01b22d4").Threads);
    }

    [Fact]
    public void Without_groups_nothing_is_limited()
    {
        Assert.Null(Group().Threads);
        Assert.Null(Group("0::/").Memory);
        Assert.Null(new ControlGroup(_folder.FullName, Path.Combine(_folder.FullName, "no such file")).Threads);
    }

    [Theory]
    [InlineData(20, 2, true, 2)]
    [InlineData(26, 2, false, 2)]
    [InlineData(48, 32, true, 32)]
    [InlineData(60, 32, false, 32)]
    [InlineData(48, 2, false, 20)]
    [InlineData(1000, 32, false, 912)]
    [InlineData(1000000, 2, false, short.MaxValue)]
    public void The_pool_gets_what_is_left_and_with_less_than_the_least_nothing_starts(long room, int processors, bool tooFew, int forPool)
    {
        var limit = new ThreadLimit(room, room, processors);

        Assert.Equal((tooFew, forPool), (limit.TooFew is not null, limit.ForPool));
        Assert.Equal(room < 24 + (3 * processors), limit.Warning is not null);
    }

    [Fact]
    public void A_guard_that_the_system_forestalls_is_named()
    {
        Assert.Null(MemoryRoom.Warning(new ByteSize(500 * MiB), 4096 * MiB));
        Assert.Null(MemoryRoom.Warning(new ByteSize(420 * MiB), 512 * MiB));
        Assert.Null(MemoryRoom.Warning(default, 256 * MiB));
        Assert.Equal(
            "MemoryGuard:Limit is 500 MB, but the process may have only 256 MB (its container's limit, or the machine's memory): the system would end it, with all its streams at once, before it drains. Set MemoryGuard:Limit to 204.8 MB, or give it more memory.",
            MemoryRoom.Warning(new ByteSize(500 * MiB), 256 * MiB));
        Assert.InRange(MemoryRoom.Limit, 1, long.MaxValue);
    }

    private ControlGroup Group(params string[] lines)
    {
        Write("membership", string.Join('\n', lines));
        return new ControlGroup(_folder.FullName, Path.Combine(_folder.FullName, "membership"));
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>A container's limit leaves the heap three quarters of it, which 80 % of it exceed: no word of that.</summary>
    [Theory]
    [InlineData(500, 80, true)]
    [InlineData(500, 449, true)]
    [InlineData(3277, 3072, false)]
    [InlineData(500, 500, false)]
    [InlineData(500, 24000, false)]
    [InlineData(0, 80, false)]
    public void A_guard_that_acts_long_after_the_heap_is_full_is_named(int guard, int heap, bool isNamed)
    {
        Assert.Equal(isNamed, MemoryRoom.HeapWarning(new ByteSize(guard * MiB), heap * MiB) is not null);
        Assert.InRange(MemoryRoom.HeapLimit, 1, long.MaxValue);
    }
}

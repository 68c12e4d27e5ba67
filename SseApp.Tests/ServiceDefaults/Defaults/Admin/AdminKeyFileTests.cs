using System.Runtime.Versioning;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Tests.ServiceDefaults.Defaults.Admin;

[UnsupportedOSPlatform("windows")]
public sealed class AdminKeyFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-key-");

    private string KeyFile => Path.Combine(_folder.FullName, "admin.key");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_key_is_made_for_its_owner_alone_and_found_again()
    {
        var path = Path.Combine(_folder.FullName, "new", "folder", "admin.key");

        var made = AdminKeyFile.ReadOrCreate(path);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.Matches("^[A-Za-z0-9_-]{43}$", made.Text);
        Assert.Equal($"{made.Text}\n", File.ReadAllText(path));
        Assert.Equal(made.Text, AdminKeyFile.ReadOrCreate(path).Text);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
        Assert.NotEqual(made.Text, AdminKeyFile.ReadOrCreate(KeyFile).Text);
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0=")]
    public void A_key_that_anybody_could_find_is_refused(string text)
    {
        Write(text);

        var refused = Assert.Throws<OptionsValidationException>(() => AdminKeyFile.ReadOrCreate(KeyFile));

        Assert.Contains("not random", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(text, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_named_pipe_is_no_key_and_is_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Named pipes are made with mkfifo.");
        using var made = Process.Start("mkfifo", KeyFile);
        made.WaitForExit();

        var refused = Assert.Throws<OptionsValidationException>(() => AdminKeyFile.ReadOrCreate(KeyFile));

        Assert.Contains("is no regular file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Services_that_start_at_the_same_moment_have_the_same_key()
    {
        var keys = new string[16];

        Parallel.For(0, keys.Length, i => keys[i] = AdminKeyFile.ReadOrCreate(KeyFile).Text);

        Assert.Single(keys.Distinct());
        Assert.Single(Directory.GetFiles(_folder.FullName));
    }

    [Theory]
    [InlineData("2c70e12b7a0646f92279f427c7b38e7334D8E5389CFF167A1DC30E73F826B683")]
    [InlineData("LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM=")]
    [InlineData("qBlAjOUBDKLgnvWaw9ifX/hZXQK1JOYb+K+olKldWU8=\n")]
    [InlineData("qBlAjOUBDKLgnvWaw9ifX_hZXQK1JOYb-K-olKldWU8\r\n")]
    public void A_key_of_ones_own_may_be_hexadecimal_or_base64(string text)
    {
        Write(text);

        var key = AdminKeyFile.ReadOrCreate(KeyFile);

        Assert.True(key.Matches($"Bearer {text.Trim()}"));
        Assert.True(key.Matches($"bearer {text.Trim()} "));
        Assert.False(key.Matches($"Bearer {text.Trim()[1..]}"));
        Assert.False(key.Matches(text.Trim()));
        Assert.False(key.Matches(default));
        Assert.False(key.Matches(new Microsoft.Extensions.Primitives.StringValues([$"Bearer {text.Trim()}", $"Bearer {text.Trim()}"])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde")]
    [InlineData("AAAA AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0")]
    public void What_is_no_key_stops_the_start(string text)
    {
        Write(text);
        Assert.Contains("holds no key", Refusal(KeyFile), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_file_that_others_may_use_stops_the_start(UnixFileMode more)
    {
        AdminKeyFile.ReadOrCreate(KeyFile);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);

        Assert.Contains("chmod 600", Refusal(KeyFile), StringComparison.Ordinal);

        var link = Path.Combine(_folder.FullName, "link");
        File.CreateSymbolicLink(link, KeyFile);
        Assert.Contains("chmod 600", Refusal(link), StringComparison.Ordinal);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead);
        Assert.Equal(AdminKeyFile.ReadOrCreate(KeyFile).Text, AdminKeyFile.ReadOrCreate(link).Text);
    }

    [Fact]
    public void A_file_of_another_user_stops_the_start()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a file away.");
        AdminKeyFile.ReadOrCreate(KeyFile);
        using (var chown = Process.Start("chown", ["12345", KeyFile]))
        {
            chown.WaitForExit();
        }

        Assert.Contains("belongs to another user (12345)", Refusal(KeyFile), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_file_stops_the_start_with_what_to_do()
    {
        Assert.Contains("Name a file in a folder", Refusal(_folder.FullName), StringComparison.Ordinal);
        Assert.Contains("Name a file in a folder", Refusal("/dev/null/admin.key"), StringComparison.Ordinal);
        File.CreateSymbolicLink(KeyFile, Path.Combine(_folder.FullName, "gone"));
        Assert.Contains("Name a file in a folder", Refusal(KeyFile), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_setting_the_key_is_in_the_first_folder_that_is_this_users()
    {
        var open = Directory.CreateDirectory(Path.Combine(_folder.FullName, "open"));
        File.SetUnixFileMode(open.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        var own = Path.Combine(_folder.FullName, "own");

        Assert.Equal(Path.Combine(own, "admin.key"), AdminKeyFile.FirstOf(["/dev/null/sseapp", open.FullName, own]));
        var none = Assert.Throws<OptionsValidationException>(() => AdminKeyFile.FirstOf(["/dev/null/sseapp", open.FullName]));
        Assert.Matches("/dev/null/sseapp \\(.*\\); .*/open \\(others may write to it\\). Mount a folder that can be written", none.Message);
    }

    private static string Refusal(string path) => Assert.Throws<OptionsValidationException>(() => AdminKeyFile.ReadOrCreate(path)).Message;

    private void Write(string text)
    {
        File.WriteAllText(KeyFile, text);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}

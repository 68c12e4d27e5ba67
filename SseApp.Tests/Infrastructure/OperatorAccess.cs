using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// How tests are operators: every host and process of theirs has a listener for operators at a free port, and all of them
/// the same key, which no other program on the machine has.
/// </summary>
internal static class OperatorAccess
{
    private static readonly DirectoryInfo s_folder = Directory.CreateTempSubdirectory("sseapp-tests-");

    public static AdminKey Key { get; } = AdminKeyFile.ReadOrCreate(Path.Combine(s_folder.FullName, "admin.key"));

    public static AuthenticationHeaderValue Authorization => With(Key.Text);

    public static AuthenticationHeaderValue With(string key) => new(AdminKey.Scheme, key);

    /// <summary>A client that has the key.</summary>
    public static HttpClient Client(Uri address, string? key = null, TimeSpan? timeout = null) => new()
    {
        BaseAddress = address,
        Timeout = timeout ?? TimeSpan.FromSeconds(20),
        DefaultRequestHeaders = { Authorization = With(key ?? Key.Text) },
    };

#pragma warning disable CA2255 // The tests are a program: these must be there before its first host.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Apply()
    {
        Environment.SetEnvironmentVariable("Admin__Urls", AdminOptions.AnyFreePort);
        Environment.SetEnvironmentVariable("Admin__KeyFile", Key.File);
        AppDomain.CurrentDomain.ProcessExit += static (_, _) => s_folder.Delete(recursive: true);
    }
}

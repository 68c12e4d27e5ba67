using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using SseApp.AppHost.Startup;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.AppHost.Archive;

/// <summary>What the local PostgreSQL keeps: its data, and the password, which only the user who runs it can read.</summary>
internal sealed class PostgresFolder(string path)
{
    private const string Setting = $"{ArchiveOptions.SectionName}:{nameof(ArchiveOptions.DataDirectory)}";

    public string Root => path;

    public string Data => Path.Combine(path, "data");

    public string PasswordFile => Path.Combine(path, "password");

    /// <summary>The version that made the data; null when there are none, or none that this user can read.</summary>
    public int? MadeBy
    {
        get
        {
            try
            {
                return int.TryParse(File.ReadAllText(Path.Combine(Data, "PG_VERSION")), CultureInfo.InvariantCulture, out var version) ? version : null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <summary>
    /// The folder of the setting, or one in the home of <paramref name="user"/>, when that user does not get into the default:
    /// a checkout below <c>/root</c> is root's alone.
    /// </summary>
    /// <param name="builder">Gets a problem when the folder is one that was asked for.</param>
    /// <param name="options">The setting.</param>
    /// <param name="user">Who runs PostgreSQL; null: this user.</param>
    public static PostgresFolder Of(IDistributedApplicationBuilder builder, ArchiveOptions options, PostgresUser? user)
    {
        var wanted = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, options.DataDirectory));
        if (user is null || IsOpen(Path.GetDirectoryName(wanted)))
        {
            return new PostgresFolder(wanted);
        }

        if (options.DataDirectory != ArchiveOptions.DefaultDataDirectory)
        {
            StartupProblems.Of(builder).Add($"{Setting} is '{wanted}', which the user {user.Name} does not reach, as whom PostgreSQL runs when the AppHost is root's; allowed: a folder below folders that everybody may enter.");
            return new PostgresFolder(wanted);
        }

        // One for each checkout.
        return new PostgresFolder(Path.Combine(user.Home, $"sseapp-{XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(wanted)):x16}"));
    }

    /// <summary>Takes the folder for this run, and gives the password, which is made once.</summary>
    /// <param name="builder">Gets a problem when another cluster has the folder: its PostgreSQL would be stopped.</param>
    public string Take(IDistributedApplicationBuilder builder)
    {
        try
        {
            PrivateFile.MakeFolder(path);
            // Held until the cluster has ended.
            var taken = File.Open(Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            builder.Services.AddSingleton(taken);
            builder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
            {
                starting.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(taken.Dispose);
                return Task.CompletedTask;
            });
            // 32 bytes; hexadecimal digits mean nothing in SQL and in connection strings.
            PrivateFile.WriteOnce(PasswordFile, RandomNumberGenerator.GetHexString(64, lowercase: true));
            return File.ReadAllText(PasswordFile).Trim();
        }
        catch (IOException exception) when (exception is not DirectoryNotFoundException && Directory.Exists(path))
        {
            StartupProblems.Of(builder).Add($"{Setting} is '{path}', where another cluster keeps its database; allowed: a folder for each cluster that runs.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            StartupProblems.Of(builder).Add($"{Setting} is '{path}', which the AppHost may not use ({exception.Message}); allowed: a folder that it may write.");
        }

        return "";
    }

    // For everybody: of the user's groups and of access lists nothing is known here.
    private static bool IsOpen(string? folder)
    {
        for (; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!OperatingSystem.IsWindows() && Directory.Exists(folder) && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }
}

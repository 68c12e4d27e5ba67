namespace SseApp.Bench.Subjects;

/// <summary>A proxy in front of our replica.</summary>
internal interface IFront
{
    string Name { get; }

    string Description { get; }

    /// <summary>The product as users get it.</summary>
    bool IsOurs { get; }

    /// <summary>Environment of the program, beside that of our services.</summary>
    IEnumerable<(string Name, string Value)> Settings { get; }

    /// <summary>How to install what is missing, or null when it can run.</summary>
    string? Missing();

    /// <summary>The program and its arguments; configuration files are written by this.</summary>
    IEnumerable<string> Command(Workspace workspace, int port, int replica);
}

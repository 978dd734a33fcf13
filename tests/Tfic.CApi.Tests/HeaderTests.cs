using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Tfic.CApi.Tests;

/// <summary>tfic.h and the exported functions say the same.</summary>
public partial class HeaderTests
{
    private static readonly string s_header = File.ReadAllText(Beside("tfic.h"));

    [Fact]
    public void Every_function_has_the_types_of_the_header()
    {
        var declared = Declaration().Matches(Code()).ToDictionary(
            match => match.Groups["name"].Value,
            match => string.Join(", ", match.Groups["parameters"].Value.Split(',').Select(CType)
                .Prepend(CType(match.Groups["result"].Value + " result")).Where(type => type != "")));

        var exported = typeof(Exports).GetMethods(BindingFlags.Static | BindingFlags.Public).ToDictionary(
            method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()!.EntryPoint!,
            method => string.Join(", ", method.GetParameters().Select(parameter => parameter.ParameterType)
                .Prepend(method.ReturnType).Select(type => type.Name)));

        Assert.NotEmpty(declared);
        Assert.Equal(exported.OrderBy(pair => pair.Key), declared.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void Parameters_have_the_names_of_the_header()
    {
        var declared = Declaration().Matches(Code()).ToDictionary(
            match => match.Groups["name"].Value,
            match => string.Join(", ", match.Groups["parameters"].Value.Split(',')
                .Select(parameter => LastWord().Match(parameter).Value).Where(name => name != "void")));
        foreach (MethodInfo method in typeof(Exports).GetMethods(BindingFlags.Static | BindingFlags.Public))
        {
            string name = method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()!.EntryPoint!;
            Assert.Equal(string.Join(", ", method.GetParameters().Select(p => p.Name)), declared[name]);
        }
    }

    [Fact]
    public void Statuses_have_the_numbers_of_the_header()
    {
        var declared = Enumerator().Matches(Code()).Where(IsStatus).ToDictionary(
            match => match.Groups["name"].Value.Replace("_", "", StringComparison.Ordinal),
            match => match.Groups["value"].Value);
        Assert.Equal(
            Enum.GetValues<Status>().ToDictionary(s => s.ToString().ToUpperInvariant(), s => $"{(int)s}"), declared);
    }

    [SkippableTheory]
    [InlineData("cc", "-std=c11", "example.c")]
    [InlineData("c++", "-std=c++17 -x c++", "tfic.h")]
    public void Compilers_take_it_without_a_warning(string compiler, string options, string file)
    {
        Skip.If(OperatingSystem.IsWindows(), "The options are those of gcc and clang.");
        var start = new ProcessStartInfo(
            compiler, $"{options} -Wall -Wextra -Wpedantic -Werror -fsyntax-only {file}")
        {
            RedirectStandardError = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.If(true, $"There is no compiler '{compiler}' here.");
        }

        using (process)
        {
            string messages = process!.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0 && messages == "", messages);
        }
    }

    private static bool IsStatus(Match match) => !match.Value.StartsWith("TFIC_LAYER_", StringComparison.Ordinal);

    /// <summary>The header without comments.</summary>
    private static string Code() => Comment().Replace(s_header, "");

    /// <summary>What the type of a declaration is called in .NET, "" for an empty list.</summary>
    private static string CType(string declaration)
    {
        string type = LastWord().Replace(declaration.Replace("const ", "", StringComparison.Ordinal).Trim(), "")
            .Replace(" ", "", StringComparison.Ordinal);
        return type switch
        {
            "" => "",
            "char*" or "uint8_t*" => "Byte*",
            "char**" or "uint8_t**" => "Byte**",
            "int32_t" => "Int32",
            "int32_t*" => "Int32*",
            "int64_t" => "Int64",
            "size_t" => "UIntPtr",
            "size_t*" => "UIntPtr*",
            "double" => "Double",
            "double*" => "Double*",
            "void" => "Void",
            "void*" => "Void*",
            "tfic_codec*" or "tfic_recogniser*" or "tfic_detector*" or "tfic_restorer*" => "IntPtr",
            "tfic_codec**" or "tfic_recogniser**" or "tfic_detector**" or "tfic_restorer**" => "IntPtr*",
            "tfic_word**" => "Word**",
            "tfic_status" => "Status",
            _ => throw new InvalidOperationException($"The header uses a type '{type}' that this test does not know."),
        };
    }

    private static string Beside(string name) => Path.Combine(AppContext.BaseDirectory, name);

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"TFIC_IMPORT (?<result>[^;()]*?)(?<name>tfic_\w+)\((?<parameters>[^)]*)\);")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"TFIC_(?<name>\w+) = (?<value>\d+)")]
    private static partial Regex Enumerator();

    [GeneratedRegex(@"\w+$")]
    private static partial Regex LastWord();
}

Console.Error.WriteLine("tfic");
